#pragma once
#include <aixcell/postprocess/gpu/interior_border.hpp>
#include <aixcell/postprocess/nuclei_per_cell.hpp>

namespace aixcell {

/// Both maps as interior_border; which nucleus is whose is counted on the processor, from labels.
template <GpuDevice Device>
found_on<Device> decode_on(context<Device>& ctx, const nuclei_per_cell& p, const tensor<float, Device>& output,
                           int first) {
  found_on<Device> found = decode_on(ctx, p.cells, output, first);
  found.rest.nuclei = to_host(ctx, decode_on(ctx, p.nuclei, output, first + interior_border::channels).labels);
  found.rest.labels = to_host(ctx, found.labels);
  nuclei_per_cell::count_nuclei(found.rest);
  return found;
}

}  // namespace aixcell
