// Both units use the same functions; the program has one copy of each and they agree.
#include "draws.hpp"

int main() { return draws(7) == draws_elsewhere(7) && draws(7) != draws_elsewhere(8) ? 0 : 1; }
