// The layers that nearly every network is made of, float and bfloat16 on the processor, compiled beside their kernels
// (kernels/cpu/detail/compiled_kernels.inl).

extern template struct convolution<cpu, float>;
extern template struct convolution<cpu, bfloat16>;
extern template struct normalisation<cpu, float>;
extern template struct normalisation<cpu, bfloat16>;
extern template struct batch_norm<cpu, float>;
extern template struct batch_norm<cpu, bfloat16>;
extern template struct conv_norm_act<cpu, float>;
extern template struct conv_norm_act<cpu, bfloat16>;
