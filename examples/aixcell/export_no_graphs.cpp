#include "export_graphs.hpp"

namespace aixcell::program {

namespace {
[[noreturn]] void refuse() {
  throw not_available(
      "export: this program was built without ONNX; install Debian's libonnx-dev, libprotobuf-dev, libzip-dev and "
      "libsodium-dev, configure and build it again");
}
}  // namespace

void export_onnx(context<cpu>&, loaded_model&, const export_arguments&) { refuse(); }
void export_bioimageio(context<cpu>&, loaded_model&, const export_arguments&) { refuse(); }

}  // namespace aixcell::program
