// The kernels of kernels/cpu/of_layers.hpp, float and bfloat16, that programs with aixcell::kernels find compiled. Without `extern`, as
// cmake/kernels.cpp reads this, they are their definitions.

extern template void adaptive_average<float>(context<cpu>&, view<const float, cpu>, view<float, cpu>);
extern template void adaptive_average<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<bfloat16, cpu>);
extern template void adaptive_average_backward<float>(context<cpu>&, view<const float, cpu>, view<float, cpu>);
extern template void adaptive_average_backward<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<bfloat16, cpu>);

extern template void spatial_mean<float>(context<cpu>&, view<const float, cpu>, view<float, cpu>);
extern template void spatial_mean<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<bfloat16, cpu>);
extern template void spatial_mean_backward<float>(context<cpu>&, view<const float, cpu>, view<float, cpu>);
extern template void spatial_mean_backward<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<bfloat16, cpu>);
extern template void gate_channels<float>(context<cpu>&, view<const float, cpu>, view<const float, cpu>,
                                          view<float, cpu>);
extern template void gate_channels<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<const bfloat16, cpu>,
                                             view<bfloat16, cpu>);
extern template void gate_channels_backward<float>(context<cpu>&, view<const float, cpu>, view<const float, cpu>,
                                                   view<const float, cpu>, view<float, cpu>, view<float, cpu>);
extern template void gate_channels_backward<bfloat16>(context<cpu>&, view<const bfloat16, cpu>,
                                                      view<const bfloat16, cpu>, view<const bfloat16, cpu>,
                                                      view<bfloat16, cpu>, view<bfloat16, cpu>);
extern template void draw_image_gates<float>(context<cpu>&, view<const float, cpu>, const image_gate_options&,
                                             view<float, cpu>);
extern template void draw_image_gates<bfloat16>(context<cpu>&, view<const float, cpu>, const image_gate_options&,
                                                view<bfloat16, cpu>);
extern template void count_pass<float>(context<cpu>&, view<float, cpu>);

extern template void concatenate_channels<float>(context<cpu>&, view<const float, cpu>, view<const float, cpu>,
                                                 view<float, cpu>);
extern template void concatenate_channels<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<const bfloat16, cpu>,
                                                    view<bfloat16, cpu>);
extern template void split_channels<float>(context<cpu>&, view<const float, cpu>, view<float, cpu>, view<float, cpu>);
extern template void split_channels<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<bfloat16, cpu>,
                                              view<bfloat16, cpu>);
extern template void add_bias<float>(context<cpu>&, view<const float, cpu>, view<float, cpu>);
extern template void add_bias<bfloat16>(context<cpu>&, view<const float, cpu>, view<bfloat16, cpu>);
extern template void add_bias_gradient<float>(context<cpu>&, view<const float, cpu>, view<float, cpu>);
extern template void add_bias_gradient<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<float, cpu>);

extern template void conv2d<float>(context<cpu>&, view<const float, cpu>, view<const float, cpu>, conv2d_geometry,
                                   const conv2d_epilogue<float, cpu>&, view<float, cpu>, detail::prepared_filter*,
                                   view<double, cpu>);
extern template void conv2d<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<const float, cpu>, conv2d_geometry,
                                      const conv2d_epilogue<bfloat16, cpu>&, view<bfloat16, cpu>,
                                      detail::prepared_filter*, view<double, cpu>);
extern template void conv2d_backward_data<float>(context<cpu>&, view<const float, cpu>, view<const float, cpu>,
                                                 conv2d_geometry, view<float, cpu>);
extern template void conv2d_backward_data<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<const float, cpu>,
                                                    conv2d_geometry, view<bfloat16, cpu>);
extern template void conv2d_backward_filter<float>(context<cpu>&, view<const float, cpu>, view<const float, cpu>,
                                                   conv2d_geometry, view<float, cpu>);
extern template void conv2d_backward_filter<bfloat16>(context<cpu>&, view<const bfloat16, cpu>,
                                                      view<const bfloat16, cpu>, conv2d_geometry, view<float, cpu>);

extern template void conv2d<float>(context<cpu>&, const joined_views<const float, cpu>&, view<const float, cpu>,
                                   conv2d_geometry, const conv2d_epilogue<float, cpu>&, view<float, cpu>,
                                   detail::prepared_filter*, view<double, cpu>);
extern template void conv2d<bfloat16>(context<cpu>&, const joined_views<const bfloat16, cpu>&, view<const float, cpu>,
                                      conv2d_geometry, const conv2d_epilogue<bfloat16, cpu>&, view<bfloat16, cpu>,
                                      detail::prepared_filter*, view<double, cpu>);
extern template void conv2d_backward_data<float>(context<cpu>&, view<const float, cpu>, view<const float, cpu>,
                                                 conv2d_geometry, const joined_views<float, cpu>&);
extern template void conv2d_backward_data<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<const float, cpu>,
                                                    conv2d_geometry, const joined_views<bfloat16, cpu>&);
extern template void conv2d_backward_filter<float>(context<cpu>&, const joined_views<const float, cpu>&,
                                                   view<const float, cpu>, conv2d_geometry, view<float, cpu>);
extern template void conv2d_backward_filter<bfloat16>(context<cpu>&, const joined_views<const bfloat16, cpu>&,
                                                      view<const bfloat16, cpu>, conv2d_geometry, view<float, cpu>);

extern template void crop<float>(context<cpu>&, view<const float, cpu>, view<float, cpu>);
extern template void crop<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<bfloat16, cpu>);
extern template void crop_backward<float>(context<cpu>&, view<const float, cpu>, view<float, cpu>);
extern template void crop_backward<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<bfloat16, cpu>);

extern template void accumulate<float>(context<cpu>&, view<const float, cpu>, view<float, cpu>);
extern template void accumulate<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<bfloat16, cpu>);
extern template void apply_activation<float>(context<cpu>&, view<const float, cpu>, activation, view<float, cpu>);
extern template void apply_activation<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, activation,
                                                view<bfloat16, cpu>);
extern template void activation_backward<float>(context<cpu>&, view<const float, cpu>, view<const float, cpu>,
                                                activation, view<float, cpu>);
extern template void activation_backward<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<const bfloat16, cpu>,
                                                   activation, view<bfloat16, cpu>);
extern template void convert<float, bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<float, cpu>);
extern template void convert<bfloat16, float>(context<cpu>&, view<const float, cpu>, view<bfloat16, cpu>);

extern template void layer_norm<float>(context<cpu>&, view<const float, cpu>, const layer_norm_parameters<float, cpu>&,
                                       view<float, cpu>, view<float, cpu>);
extern template void layer_norm<bfloat16>(context<cpu>&, view<const bfloat16, cpu>,
                                          const layer_norm_parameters<float, cpu>&, view<bfloat16, cpu>,
                                          view<float, cpu>);
extern template void layer_norm_backward<float>(context<cpu>&, view<const float, cpu>, view<const float, cpu>,
                                                view<const float, cpu>, const layer_norm_parameters<float, cpu>&,
                                                view<float, cpu>, const layer_norm_gradients<float, cpu>&);
extern template void layer_norm_backward<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<const bfloat16, cpu>,
                                                   view<const float, cpu>, const layer_norm_parameters<float, cpu>&,
                                                   view<bfloat16, cpu>, const layer_norm_gradients<float, cpu>&);

extern template void channel_sums<float>(context<cpu>&, view<const float, cpu>, view<double, cpu>);
extern template void channel_sums<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, view<double, cpu>);
extern template void normalisation_moments<float>(context<cpu>&, view<const double, cpu>, index_t, normalisation_scope,
                                                  const normalisation_statistics<float, cpu>&);
extern template void normalisation_coefficients<float>(context<cpu>&, const normalisation_inputs<float, cpu>&,
                                                       view<float, cpu>, view<float, cpu>);
extern template void move_running_statistics<float>(context<cpu>&, const batch_statistics<float, cpu>&,
                                                    const normalisation_statistics<float, cpu>&);
extern template void scale_shift_activate<float>(context<cpu>&, const scaled_input<float, cpu>&, view<float, cpu>);
extern template void scale_shift_activate<bfloat16>(context<cpu>&, const scaled_input<bfloat16, cpu>&,
                                                    view<bfloat16, cpu>);
extern template void scale_shift_backward_sums<float>(context<cpu>&, view<const float, cpu>,
                                                      const scaled_input<float, cpu>&, view<double, cpu>);
extern template void scale_shift_backward_sums<bfloat16>(context<cpu>&, view<const bfloat16, cpu>,
                                                         const scaled_input<bfloat16, cpu>&, view<double, cpu>);
extern template void normalisation_backward<float>(context<cpu>&, view<const double, cpu>, index_t, normalisation_scope,
                                                   const normalisation_inputs<float, cpu>&,
                                                   const normalisation_gradients<float, cpu>&);
extern template void scale_shift_backward<float>(context<cpu>&, view<const float, cpu>, const scaled_input<float, cpu>&,
                                                 view<const float, cpu>, view<float, cpu>, view<float, cpu>);
extern template void scale_shift_backward<bfloat16>(context<cpu>&, view<const bfloat16, cpu>,
                                                    const scaled_input<bfloat16, cpu>&, view<const float, cpu>,
                                                    view<bfloat16, cpu>, view<bfloat16, cpu>);
extern template void add_sums_of_images<float>(context<cpu>&, view<const double, cpu>, index_t, view<float, cpu>);

extern template void to_patches<float>(context<cpu>&, view<const float, cpu>, index_t, view<float, cpu>);
extern template void to_patches<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, index_t, view<bfloat16, cpu>);
extern template void from_patches<float>(context<cpu>&, view<const float, cpu>, index_t, view<float, cpu>);
extern template void from_patches<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, index_t, view<bfloat16, cpu>);

extern template void max_pool2d<float>(context<cpu>&, view<const float, cpu>, pool2d_geometry, view<float, cpu>,
                                       view<std::uint8_t, cpu>);
extern template void max_pool2d<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, pool2d_geometry,
                                          view<bfloat16, cpu>, view<std::uint8_t, cpu>);
extern template void max_pool2d_backward<float>(context<cpu>&, view<const float, cpu>, view<const std::uint8_t, cpu>,
                                                pool2d_geometry, view<float, cpu>);
extern template void max_pool2d_backward<bfloat16>(context<cpu>&, view<const bfloat16, cpu>,
                                                   view<const std::uint8_t, cpu>, pool2d_geometry, view<bfloat16, cpu>);
extern template void average_pool2d<float>(context<cpu>&, view<const float, cpu>, pool2d_geometry, view<float, cpu>);
extern template void average_pool2d<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, pool2d_geometry,
                                              view<bfloat16, cpu>);
extern template void average_pool2d_backward<float>(context<cpu>&, view<const float, cpu>, pool2d_geometry,
                                                    view<float, cpu>);
extern template void average_pool2d_backward<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, pool2d_geometry,
                                                       view<bfloat16, cpu>);

extern template void upsample<float>(context<cpu>&, view<const float, cpu>, interpolation, view<float, cpu>);
extern template void upsample<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, interpolation, view<bfloat16, cpu>);
extern template void upsample_backward<float>(context<cpu>&, view<const float, cpu>, interpolation, view<float, cpu>);
extern template void upsample_backward<bfloat16>(context<cpu>&, view<const bfloat16, cpu>, interpolation,
                                                 view<bfloat16, cpu>);
