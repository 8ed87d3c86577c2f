#include "draws.hpp"

std::vector<float> draws_elsewhere(std::uint64_t seed) { return draws(seed); }
