// measure_compile_time <table> <compiler> <options>...
//   table: lines `seconds megabytes file`, the budget of compiling a unit that includes nothing but <file>
// Prints seconds of processor time and the compiler's peak memory per file; exit code 1 when one is over its budget.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace {

struct spent {
  double seconds = 0;
  double megabytes = 0;
  bool compiled = false;
};

spent compile(std::vector<std::string> command, const std::string& file) {
  for (const char* word : {"-include", file.c_str(), "-x", "c++", "-c", "/dev/null", "-o", "/dev/null"})
    command.emplace_back(word);
  std::vector<char*> words;
  for (std::string& word : command) words.push_back(word.data());
  words.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    execvp(words[0], words.data());
    _exit(127);
  }
  int status = 0;
  rusage use{};
  if (child < 0 || wait4(child, &status, 0, &use) != child) return {};
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return {seconds(use.ru_utime) + seconds(use.ru_stime), static_cast<double>(use.ru_maxrss) / 1024,
          WIFEXITED(status) && WEXITSTATUS(status) == 0};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: measure_compile_time TABLE COMPILER OPTIONS...\n");
    return 2;
  }
  const std::vector<std::string> command(argv + 2, argv + argc);
  std::ifstream table(argv[1]);
  double seconds_allowed = 0, megabytes_allowed = 0, seconds_in_all = 0;
  std::string file;
  int over = 0;
  std::printf("%8s %8s %8s %8s\n", "seconds", "budget", "MB", "budget");
  while (table >> seconds_allowed >> megabytes_allowed >> file) {
    const spent s = compile(command, file);
    const bool exceeds = !s.compiled || s.seconds > seconds_allowed || s.megabytes > megabytes_allowed;
    over += exceeds;
    seconds_in_all += s.seconds;
    std::printf("%8.2f %8.1f %8.0f %8.0f  %s%s\n", s.seconds, seconds_allowed, s.megabytes, megabytes_allowed,
                file.c_str(),
                !s.compiled ? "  DOES NOT COMPILE"
                : exceeds   ? "  OVER BUDGET"
                            : "");
    std::fflush(stdout);
  }
  std::printf("%8.2f seconds in all, %d over budget\n", seconds_in_all, over);
  return over > 0 ? 1 : 0;
}
