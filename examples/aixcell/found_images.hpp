#pragma once
#include <filesystem>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/report/picture.hpp>

namespace aixcell::program {

/// The files that were named, and of folders the images in them, by name. Throws io_error if there is none, data_error if
/// two would be written under one name.
std::vector<std::filesystem::path> image_files(const std::vector<std::filesystem::path>& named);

/// An image and what was found in it, coloured by class where the model tells classes.
rgb_picture overlay_of(const context<cpu>& ctx, view<const float, cpu> pixels, const prediction& found, task solves);

/// Labels as .tif if wanted or if there are more than a PNG holds, else as .png; the extension is added to the name.
void write_label_file(std::filesystem::path name, const label_map& labels, bool tiff);

}  // namespace aixcell::program
