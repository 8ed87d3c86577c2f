#pragma once

namespace aixcell::program {

/// From now on the first Ctrl-C only asks to stop; a second one ends the program at once.
void listen_for_interrupt();

bool stop_requested();

/// Throws `interrupted` with this message if a stop was asked for.
void throw_if_stopped(const char* message);

}  // namespace aixcell::program
