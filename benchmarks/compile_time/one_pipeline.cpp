// One pipeline, trained and used: the unit whose compile time and memory the house promises.
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/pipeline/fit.hpp>
#include <aixcell/pipeline/model_file.hpp>
#include <aixcell/pipeline/pipeline.hpp>
#include <aixcell/pipeline/predict.hpp>
#include <aixcell/postprocess/star_convex.hpp>
#include <aixcell/preprocess/percentile.hpp>

aixcell::prediction fit_and_predict(const aixcell::dataset& data, const aixcell::image& picture) {
  aixcell::context<aixcell::cpu> ctx;
  aixcell::pipeline<aixcell::percentile, aixcell::resnet18, aixcell::unet, aixcell::star_convex<32>> model;
  aixcell::fit(ctx, model, data);
  return aixcell::predict(ctx, model, picture);
}
