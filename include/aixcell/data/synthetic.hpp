#pragma once
#include <string>
#include <vector>

#include <aixcell/data/cell_nuclei.hpp>
#include <aixcell/data/dataset.hpp>
#include <aixcell/data/detail/synthetic_nuclei.hpp>
#include <aixcell/kernels/cpu/gaussian_blur.hpp>

namespace aixcell {

/// A confocal section through heart tissue: what is in it and how hard it is to see.
struct synthetic_options {
  index_t height = 256;
  index_t width = 256;
  float difficulty = 0.5f;          ///< 0 (crisp, sparse, plain nuclei) to 1 (dim, dense, nuclei that mislead)
  float binuclear_fraction = 0.3f;  ///< of the cells
  float cell_diameter = 48;         ///< equivalent diameter of a typical cell in pixels, at least 16
};

namespace detail {

/// What is in the section, before it is seen through a microscope.
struct scene {
  tissue cells;
  label_map nuclei;
  std::vector<int> object_class;  ///< per cell: 0 mononuclear, 1 binuclear
  std::vector<nucleus> myocyte_nuclei;
  std::vector<nucleus> other_nuclei;  ///< fibroblasts, endothelium: between the cells, not in the ground truth
};

inline float blend(float easy, float hard, float difficulty) { return easy + (hard - easy) * difficulty; }

/// Fills cells with nuclei; a cell whose nuclei do not fit (cut by the border, squeezed) is removed.
inline void fill_with_nuclei(scene& s, const synthetic_options& options, random_stream& random) {
  const std::size_t count = s.cells.shapes.size();
  std::vector<double> area(count, 0), sum_y(count, 0), sum_x(count, 0);
  const index_t width = options.width;
  for (index_t i = 0; i < s.cells.cells.size(); ++i)
    if (const std::int32_t c = s.cells.cells[i]; c > 0) {
      const auto k = static_cast<std::size_t>(c - 1);
      area[k] += 1;
      sum_y[k] += static_cast<double>(i / width);
      sum_x[k] += static_cast<double>(i % width);
    }
  const nuclei_options nuclei{0.3f * options.cell_diameter, options.difficulty};
  std::int32_t last_nucleus = 0;
  std::vector<std::int32_t> new_number(count + 1, 0);
  std::vector<blob> kept;
  for (std::size_t k = 0; k < count; ++k) {
    const bool binuclear = random.chance(options.binuclear_fraction);
    if (area[k] == 0) continue;
    const float angle = s.cells.shapes[k].angle;
    std::vector<nucleus> inside =
        binuclear ? twin_nuclei(nuclei, angle, random) : std::vector<nucleus>{lone_nucleus(nuclei, angle, random)};
    const cell_body body{static_cast<std::int32_t>(k + 1), static_cast<float>(sum_y[k] / area[k]),
                         static_cast<float>(sum_x[k] / area[k]), angle};
    if (!place_nuclei(inside, body, s.cells.cells, s.nuclei, last_nucleus, random)) continue;
    kept.push_back(s.cells.shapes[k]);
    new_number[k + 1] = static_cast<std::int32_t>(kept.size());
    s.object_class.push_back(binuclear ? 1 : 0);
    const float brightness = std::exp(blend(0.12f, 0.3f, options.difficulty) * random.normal());
    for (nucleus& n : inside) {
      n.brightness = brightness * (1 - 0.5f * options.difficulty * random.uniform());  // twins lie at different depths
      s.myocyte_nuclei.push_back(n);
    }
  }
  s.cells.shapes = std::move(kept);
  for (std::int32_t& c : s.cells.cells) c = new_number[static_cast<std::size_t>(c)];
}

/// Small, slender, bright nuclei in the clefts between cells; they overlap cells at their edges.
inline void add_other_nuclei(scene& s, const synthetic_options& options, random_stream& random) {
  const auto wanted =
      static_cast<index_t>(blend(0.1f, 0.9f, options.difficulty) * static_cast<float>(s.cells.shapes.size()));
  const label_map& cells = s.cells.cells;
  for (index_t tries = 0; tries < 50 * wanted && static_cast<index_t>(s.other_nuclei.size()) < wanted; ++tries) {
    const index_t y = 2 + random.below(std::max<index_t>(options.height - 4, 1));
    const index_t x = 2 + random.below(std::max<index_t>(options.width - 4, 1));
    const auto at = [&](index_t dy, index_t dx) {
      return cells(std::clamp<index_t>(y + dy, 0, options.height - 1),
                   std::clamp<index_t>(x + dx, 0, options.width - 1));
    };
    const bool cleft = at(0, 0) == 0 || at(2, 0) != at(-2, 0) || at(0, 2) != at(0, -2);
    if (!cleft || s.nuclei(y, x) > 0) continue;
    const float diameter = 0.3f * options.cell_diameter * random.uniform(0.55f, 0.85f);
    const float angle =
        s.cells.shapes[static_cast<std::size_t>(random.below(static_cast<index_t>(s.cells.shapes.size())))].angle;
    nucleus n{{nucleus_lobe(diameter, random.uniform(1.6f, 3.2f), angle, random)}, 1};
    n.lobes[0].y = static_cast<float>(y);
    n.lobes[0].x = static_cast<float>(x);
    n.brightness = random.uniform(0.7f, 1.3f);
    s.other_nuclei.push_back(n);
  }
}

/// Adds nuclei to a DAPI plane: brighter in the middle (thicker), grainy from chromatin.
inline void paint_nuclei(const std::vector<nucleus>& nuclei, const tensor<float>& chromatin, tensor<float>& plane) {
  for (const nucleus& n : nuclei)
    for (const blob& lobe : n.lobes)
      for_each_inside(lobe, plane.shape(), 1, [&](index_t y, index_t x, float level) {
        const float thickness = 0.6f + 0.4f * std::sqrt(1 - level * level);
        plane(y, x) = std::max(plane(y, x), n.brightness * thickness * chromatin(y, x));
      });
}

inline tensor<float> dapi_plane(const scene& s, const synthetic_options& options, random_stream& random) {
  const shape size{options.height, options.width};
  const tensor<float> fine = smooth_noise(size, 2.0f, random), coarse = smooth_noise(size, 4.5f, random);
  tensor<float> chromatin(size), plane(size), far(size), near(size);
  for (index_t i = 0; i < chromatin.size(); ++i)
    chromatin[i] = std::clamp(0.85f + 0.22f * fine[i] + 0.22f * coarse[i], 0.35f, 1.6f);
  paint_nuclei(s.myocyte_nuclei, chromatin, plane);
  paint_nuclei(s.other_nuclei, chromatin, plane);

  // Nuclei above and below the plane: wide, dim, anywhere.
  const float diameter = 0.3f * options.cell_diameter;
  std::vector<nucleus> below, above;
  const auto count = static_cast<index_t>(1.1f * options.difficulty * static_cast<float>(s.cells.shapes.size()));
  for (index_t i = 0; i < count; ++i) {
    const float angle = random.uniform(0, std::numbers::pi_v<float>);
    nucleus n{{nucleus_lobe(diameter * random.uniform(0.8f, 1.3f), 1.6f, angle, random)}, 1};
    n.lobes[0].y = random.uniform(0, static_cast<float>(options.height));
    n.lobes[0].x = random.uniform(0, static_cast<float>(options.width));
    n.brightness = random.uniform(0.35f, 0.8f);
    (i % 2 ? below : above).push_back(n);
  }
  paint_nuclei(below, chromatin, far);
  paint_nuclei(above, chromatin, near);
  gaussian_blur(context<cpu>(1), near, {0.2f * diameter, 0.2f * diameter});
  gaussian_blur(context<cpu>(1), far, {0.45f * diameter, 0.45f * diameter});
  tensor<float> haze = plane.clone();
  gaussian_blur(context<cpu>(1), haze, {1.2f * diameter, 1.2f * diameter});
  const float cytoplasm = blend(0.015f, 0.06f, options.difficulty);
  for (index_t i = 0; i < plane.size(); ++i)
    plane[i] +=
        0.03f + (s.cells.cells[i] > 0 ? cytoplasm : 0) + near[i] + far[i] + 0.35f * options.difficulty * haze[i];
  return plane;
}

/// Wheat germ agglutinin: cell borders and the matrix between cells; dimmer, striated cytoplasm.
inline tensor<float> membrane_plane(const scene& s, const synthetic_options& options, random_stream& random) {
  const shape size{options.height, options.width};
  const label_map& cells = s.cells.cells;
  const index_t count = static_cast<index_t>(s.cells.shapes.size());
  std::vector<float> rim(static_cast<std::size_t>(count) + 1, 0.8f), body = rim, period = rim, offset = rim;
  for (std::size_t k = 1; k < rim.size(); ++k) {
    rim[k] = random.uniform(blend(0.8f, 0.45f, options.difficulty), 1.2f);
    body[k] = random.uniform(0.12f, blend(0.2f, 0.42f, options.difficulty));
    period[k] = random.uniform(3.6f, 4.6f);
    offset[k] = random.uniform(0, 6.3f);
  }
  const tensor<float> weak = smooth_noise(size, 9, random), grain = smooth_noise(size, 2.5f, random);
  const tensor<float> patches = smooth_noise(size, 24, random), wave = smooth_noise(size, 18, random);
  tensor<float> plane(size);
  for (index_t y = 0; y < size[0]; ++y)
    for (index_t x = 0; x < size[1]; ++x) {
      const std::int32_t c = cells(y, x);
      const auto k = static_cast<std::size_t>(c);
      bool border = false;
      for (index_t dy = -1; dy <= 1; ++dy)
        for (index_t dx = -1; dx <= 1; ++dx)
          border = border ||
                   cells(std::clamp<index_t>(y + dy, 0, size[0] - 1), std::clamp<index_t>(x + dx, 0, size[1] - 1)) != c;
      const float patchy = 1 + 0.25f * patches(y, x);
      float value;
      if (c == 0) {  // matrix, capillaries, a few bright strands
        value = (0.10f + 0.10f * options.difficulty) * patchy * (1 + 0.6f * grain(y, x)) +
                0.35f * std::max(0.0f, wave(y, x) - 0.7f);
      } else {
        const blob& shape = s.cells.shapes[k - 1];
        const float u = std::cos(shape.angle) * static_cast<float>(x) + std::sin(shape.angle) * static_cast<float>(y);
        const float bands = std::sin(2 * std::numbers::pi_v<float> * u / period[k] + offset[k] + 2.0f * wave(y, x));
        value = body[k] * patchy * (1 + 0.28f * bands + 0.25f * grain(y, x));
        if (s.nuclei(y, x) > 0) value *= 0.55f;  // nuclei exclude the cytoplasm
      }
      if (border)
        value = std::max(value, rim[k] * std::max(0.12f, 1 + blend(0.25f, 0.9f, options.difficulty) * weak(y, x)));
      plane(y, x) = std::max(0.0f, value);
    }
  // Another plane of the same tissue, out of focus: the section turned by half a circle.
  tensor<float> other(size);
  for (index_t i = 0; i < plane.size(); ++i) other[i] = plane[plane.size() - 1 - i];
  gaussian_blur(context<cpu>(1), other, {4.5f, 4.5f});
  for (index_t i = 0; i < plane.size(); ++i) plane[i] += 0.04f + 0.55f * options.difficulty * other[i];
  return plane;
}

/// A microscope: blur by an anisotropic point spread, uneven light, photons, read noise, 16-bit numbers.
inline void expose(tensor<float>& plane, const synthetic_options& options, random_stream& random) {
  const float spread = blend(0.75f, 1.25f, options.difficulty);
  const float stretch = random.uniform(1.0f, 1.35f);
  gaussian_blur(context<cpu>(1), plane, {spread * stretch, spread});

  const auto height = static_cast<float>(options.height), width = static_cast<float>(options.width);
  const float centre_y = random.uniform(0.2f, 0.8f), centre_x = random.uniform(0.2f, 0.8f);
  const float fall = blend(0.15f, 0.75f, options.difficulty);
  const float photons =
      std::exp(blend(std::log(400.0f), std::log(22.0f), options.difficulty)) * random.uniform(0.8f, 1.25f);
  const float read_noise = blend(1.0f, 2.0f, options.difficulty);
  const float gain = 16000 / photons;
  for (index_t y = 0; y < options.height; ++y)
    for (index_t x = 0; x < options.width; ++x) {
      const float dy = static_cast<float>(y) / height - centre_y, dx = static_cast<float>(x) / width - centre_x;
      const float light = 1 / (1 + 2 * fall * (dy * dy + dx * dx));
      const auto counted = static_cast<float>(random.poisson(photons * light * std::max(0.0f, plane(y, x))));
      const float noise = read_noise * random.normal();
      plane(y, x) = std::clamp(std::round(400 + gain * (counted + noise)), 0.0f, 65535.0f);
    }
}

}  // namespace detail

/// A section with ground truth: picture [H,W,2] of channels "DAPI" and "membrane" (0..65535, whole numbers); labels
/// are the cells; object_class 0 mononuclear, 1 binuclear; nuclei inside the cells (1 or 2 each, every nucleus wholly
/// in its cell, see nuclei_of_cells). Nuclei of other cells and out-of-focus light are visible but not annotated.
/// Throws data_error if an option is out of range or no cell fits. About 0.1 s for 256x256.
inline example make_synthetic(const synthetic_options& options, random_stream random) {
  if (options.height < 32 || options.width < 32 || !(options.difficulty >= 0 && options.difficulty <= 1) ||
      !(options.binuclear_fraction >= 0 && options.binuclear_fraction <= 1) || !(options.cell_diameter >= 16))
    throw data_error(
        "make_synthetic: need at least 32x32 pixels, difficulty and binuclear_fraction in [0,1], "
        "cell_diameter of at least 16");
  const shape size{options.height, options.width};
  random_stream shapes = random.child(1), inside = random.child(2), optics = random.child(3);

  detail::scene s;
  for (int attempt = 0; attempt < 20 && s.object_class.empty(); ++attempt) {
    const float roughness = detail::blend(0.03f, 0.07f, options.difficulty);
    s = {};
    s.cells = detail::grow_tissue(
        size, {options.cell_diameter, detail::blend(0.5f, 0.8f, options.difficulty), roughness}, shapes);
    detail::warp_labels(s.cells.cells, options.cell_diameter * detail::blend(0.02f, 0.05f, options.difficulty), shapes);
    const float least = 0.35f * options.cell_diameter * options.cell_diameter;
    detail::keep_largest_parts(s.cells.cells, static_cast<index_t>(least));
    s.nuclei = label_map(size);
    detail::fill_with_nuclei(s, options, inside);
  }
  if (s.object_class.empty())
    throw data_error("make_synthetic: no cell of diameter " + std::to_string(options.cell_diameter) + " fits into " +
                     std::to_string(options.height) + "x" + std::to_string(options.width) +
                     " pixels; use smaller cells");
  detail::add_other_nuclei(s, options, inside);

  example made;
  made.picture.pixels = tensor<float>({options.height, options.width, 2});
  made.picture.channel_names = {"DAPI", "membrane"};
  tensor<float> dapi = detail::dapi_plane(s, options, optics);
  tensor<float> membrane = detail::membrane_plane(s, options, optics);
  detail::expose(dapi, options, optics);
  detail::expose(membrane, options, optics);
  for (index_t i = 0; i < dapi.size(); ++i) {
    made.picture.pixels[2 * i] = dapi[i];
    made.picture.pixels[2 * i + 1] = membrane[i];
  }
  made.truth.labels = std::move(s.cells.cells);
  made.truth.object_class = std::move(s.object_class);
  made.truth.nuclei = std::move(s.nuclei);
  return made;
}

/// `count` sections in memory; the same seed gives the same data set, and section i does not depend on count.
inline dataset synthetic_dataset(index_t count, const synthetic_options& options, std::uint64_t seed) {
  std::vector<example> examples(static_cast<std::size_t>(count));
  const context<cpu> ctx;
  const random_stream random(seed, 0x74697373756500);  // "tissue"
  parallel_for(ctx, count, [&](index_t i) {
    examples[static_cast<std::size_t>(i)] = make_synthetic(options, random.child(static_cast<std::uint64_t>(i)));
  });
  dataset set = dataset::from_examples("synthetic", std::move(examples), {"mononuclear", "binuclear"});
  set.licence = "CC0 1.0 Universal (generated)";
  return set;
}

}  // namespace aixcell
