#pragma once

namespace aixcell {

/// Work of a device that was recorded once and is enqueued again as a whole: a training step of hundreds of small kernels then
/// costs the host one call.
///
///     auto work = recorded_work<Device>::record(ctx, [&] { ... });   // launches are noted, none is done
///     work.launch(ctx);                                              // any number of times
///
/// What kernels are told by value is recorded with them; what changes from one launch to the next they read from memory of the
/// device. Memory that the work uses must stay as it is placed: what it allocates does, if `ctx` has memory of its own
/// (`context::with_own_memory`) from which nobody else allocates as long as the recording lives. Nothing in the work may wait
/// for the device or copy to or from the host: that throws device_error.
template <class Device>
class recorded_work;

}  // namespace aixcell
