#pragma once
#include <chrono>
#include <cstdio>
#include <limits>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

#include <aixcell/report/text.hpp>

namespace aixcell {

/// How far a training is. What is not known is NaN and is left out.
struct progress_state {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

  std::string stage;  ///< what is being done, e.g. the pipeline's name; may be empty
  int epoch = 0;      ///< current one, from 1
  int epochs = 0;
  index_t step = 0;  ///< finished steps of this epoch
  index_t steps = 0;
  double images_per_second = unknown;
  double loss = unknown;
  std::string metric_name = "metric";
  double metric = unknown;       ///< latest validation
  double best_metric = unknown;  ///< best so far
  double seconds_left = unknown;
};

/// `epoch 12/80 [######----] 61 %  loss 0.1234  AP 0.812 (best 0.830)  37 img/s  3 min 05 s left`. The parts that
/// matter least are left out, last first, to stay within `width` characters.
inline std::string progress_text(const progress_state& state, int width = 1000) {
  const double share =
      state.steps > 0 ? std::clamp(static_cast<double>(state.step) / static_cast<double>(state.steps), 0.0, 1.0) : 0;
  std::string text = "epoch " + std::to_string(state.epoch) + "/" + std::to_string(state.epochs);
  if (!state.stage.empty()) text = state.stage + "  " + text;
  if (state.steps > 0) {
    constexpr int cells = 10;
    const auto full = static_cast<std::size_t>(share * cells);
    text += " [" + std::string(full, '#') + std::string(cells - full, '-') + "] " +
            std::to_string(static_cast<int>(100 * share)) + " %";
  }
  const auto add = [&](const std::string& part) {
    if (static_cast<int>(text.size() + 2 + part.size()) <= width) text += "  " + part;
  };
  if (std::isfinite(state.loss)) add("loss " + fixed_text(state.loss, 4));
  if (std::isfinite(state.metric))
    add(state.metric_name + " " + fixed_text(state.metric, 3) +
        (std::isfinite(state.best_metric) ? " (best " + fixed_text(state.best_metric, 3) + ")" : ""));
  if (std::isfinite(state.seconds_left)) add(duration_text(state.seconds_left) + " left");
  if (std::isfinite(state.images_per_second))
    add((state.images_per_second < 10 ? fixed_text(state.images_per_second, 1)
                                      : fixed_text(state.images_per_second, 0)) +
        " img/s");
  if (static_cast<int>(text.size()) > width) text.resize(static_cast<std::size_t>(std::max(0, width)));
  return text;
}

/// Shows progress on a stream that the caller owns. On a terminal one line is rewritten, ten times a second at most; in
/// a file or a pipe each finished epoch is one line.
class progress_line {
 public:
  explicit progress_line(std::FILE* out) : out_(out), terminal_(isatty(fileno(out)) == 1) {}
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;
  ~progress_line() { finish(); }

  /// After every step; cheap.
  void step(const progress_state& state) {
    if (!terminal_) return;
    const auto now = std::chrono::steady_clock::now();
    if (open_ && now - shown_ < std::chrono::milliseconds(100)) return;
    shown_ = now;
    rewrite(state);
  }

  /// After every epoch, with its validation metric.
  void epoch(const progress_state& state) {
    if (terminal_) return rewrite(state);
    progress_state done = state;
    done.steps = 0;  // a bar that is always full says nothing
    std::fputs((progress_text(done) + "\n").c_str(), out_);
    std::fflush(out_);
  }

  /// Ends the line, so that what is printed next starts on its own.
  void finish() {
    if (!open_) return;
    std::fputc('\n', out_);
    std::fflush(out_);
    open_ = false;
  }

 private:
  void rewrite(const progress_state& state) {
    winsize size{};
    const bool known = ioctl(fileno(out_), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    // One column stays free: a full line would wrap and could not be rewritten.
    std::fputs(("\r" + progress_text(state, (known ? size.ws_col : 80) - 1) + "\x1b[K").c_str(), out_);
    std::fflush(out_);
    open_ = true;
  }

  std::FILE* out_;
  bool terminal_;
  bool open_ = false;  // the cursor stands at the end of our line
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace aixcell
