#include <cstdio>

#include <aixcell/data/write_dataset.hpp>

#include "commands.hpp"
#include "staged_folder.hpp"

namespace aixcell::program {

void synth(const synth_arguments& arguments) {
  staged_folder out(arguments.out);
  const dataset cells = synthetic_dataset(arguments.images, arguments.options, arguments.seed);
  write_dataset(cells, out.path(), {.test = arguments.images > 1 ? 0.2 : 0.0, .seed = arguments.seed});
  out.commit();
  std::printf("%s holds %td images with %td cells\n", arguments.out.c_str(), cells.size(), cells.objects());
}

}  // namespace aixcell::program
