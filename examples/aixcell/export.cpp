#include <cstdio>

#include <aixcell/exchange/weights.hpp>

#include "aixcell_instances.hpp"
#include "export_graphs.hpp"

namespace aixcell::program {

namespace {

namespace fs = std::filesystem;

/// A format, the ending of its files, and who writes it.
struct exporter {
  std::string_view format, ending;
  void (*write)(context<cpu>&, loaded_model&, const export_arguments&);
};

void export_safetensors(context<cpu>&, loaded_model& loaded, const export_arguments& a) {
  save_torch_weights(a.out, *loaded.model);
  std::printf("%s: the weights under torchvision's names, filters [K,C,R,S], float32\n", a.out.c_str());
}

constexpr exporter exporters[] = {{"onnx", ".onnx", export_onnx},
                                  {"bioimageio", ".bioimage.io.zip", export_bioimageio},
                                  {"safetensors", ".torch.safetensors", export_safetensors}};

void require_writable(const fs::path& out, const fs::path& model) {
  if (fs::is_directory(out)) throw io_error(out.string() + ": is a folder; name the file to write");
  const fs::path folder = out.has_parent_path() ? out.parent_path() : fs::path(".");
  if (!fs::is_directory(folder)) throw io_error(folder.string() + ": no such folder; make it first");
  std::error_code none;
  if (fs::equivalent(out, model, none)) throw io_error(out.string() + ": is the model itself; name another file");
}

}  // namespace

void export_model(const export_arguments& arguments) {
  for (const exporter& e : exporters) {
    if (e.format != arguments.to) continue;
    export_arguments a = arguments;
    if (a.out.empty()) a.out = fs::path(a.model).replace_extension(e.ending);
    require_writable(a.out, a.model);
    context<cpu> ctx(a.threads);
    loaded_model loaded = load_model(ctx, a.model, compiled_pipelines());
    return e.write(ctx, loaded, a);
  }
  throw not_available("export: format '" + arguments.to + "' is not known to this program; onnx, bioimageio and safetensors are");
}

}  // namespace aixcell::program
