#include <cstdio>

#include <aixcell/autokonfig/baseline.hpp>
#include <aixcell/pipeline/evaluate.hpp>

#include "commands.hpp"
#include "open_data.hpp"
#include "results.hpp"
#include "stop.hpp"

namespace aixcell::program {

void baseline(const baseline_arguments& arguments) {
  context<cpu> ctx(arguments.threads);
  const opened_data data = open_data_with_test(ctx, arguments.data, arguments.seed, arguments.acquired.over({}), arguments.view);
  const aixcell::baseline fitted = fit_baseline(ctx, data.train);
  evaluation e;
  e.solves = data.train.task;
  e.pixels = confusion_matrix(
      e.solves == task::semantic_segmentation ? std::max<int>(2, static_cast<int>(data.train.class_names.size())) : 2);
  if (e.solves == task::image_classification)
    e.image_classes = confusion_matrix(static_cast<int>(data.train.image_class_names.size()));
  for (index_t i = 0; i < data.test.size(); ++i) {
    throw_if_stopped("stopped");
    const example seen = data.test.load(i);
    e.add(seen.truth, fitted.predict(ctx, seen.picture.pixels));
  }
  std::printf("%s\n%s", fitted.method.c_str(),
              metrics_text(e, {data.train.class_names, data.train.image_class_names}).c_str());
}

}  // namespace aixcell::program
