// expect: a tensor holds plain numbers
#include <string>

#include <aixcell/core/tensor.hpp>

aixcell::tensor<float> numbers;
#ifndef AIXCELL_WITHOUT_THE_MISTAKE
aixcell::tensor<std::string> words;
#endif
