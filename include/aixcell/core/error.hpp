#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace aixcell {

/// Root of every exception thrown by aixcell. The message says what and where, what was expected, what was found
/// and what to do, in one line: `plate3/07.png: mask is 512x512, image is 512x488; export both at one size`.
struct error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Two shapes that do not fit each other, or a shape outside its range.
struct shape_error : error {
  using error::error;
};

/// Content that cannot be used: labels without objects, NaN pixels, classes that are not declared.
struct data_error : error {
  using error::error;
};

/// A file that cannot be read, is damaged or cannot be written.
struct io_error : error {
  using error::error;
};

/// A device that is missing, full or failed.
struct device_error : error {
  using error::error;
};

/// A part that was not compiled in, or a name that is not known; the message says how to get it.
struct not_available : error {
  using error::error;
};

/// Work stopped on request (SIGINT, a callback that said stop); what was finished is saved.
struct interrupted : error {
  using error::error;
};

}  // namespace aixcell
