#pragma once
#include <aixcell/library/load_model.hpp>

#include "commands.hpp"

// What export needs the component `exchange` for: export_graphs.cpp has it, export_no_graphs.cpp says that it is missing.

namespace aixcell::program {

/// Write to arguments.out and print what the file can do and what stays outside.
void export_onnx(context<cpu>& ctx, loaded_model& loaded, const export_arguments& arguments);
void export_bioimageio(context<cpu>& ctx, loaded_model& loaded, const export_arguments& arguments);

}  // namespace aixcell::program
