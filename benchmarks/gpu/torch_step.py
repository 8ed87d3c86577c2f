"""A training step and inference of a resnet18 with a U-Net in PyTorch, beside benchmark_gpu's: 16 images of 256 x 256, channels
last, bfloat16 under autocast and float32. Prints images per second; the median of twenty runs by the GPU's own clock.
The network is tests/reference/torch's, tensors and shapes are those of ours."""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "reference" / "torch"))
import networks  # noqa: E402


def images_per_second(work):
    for _ in range(3):
        work()
    times = []
    for _ in range(20):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        work()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return 16e3 / sorted(times)[10]


def main():
    net = networks.Network("resnet18", "unet", 1).float().cuda().to(memory_format=torch.channels_last)
    x = torch.full((16, 1, 256, 256), 0.5, device="cuda").to(memory_format=torch.channels_last)
    target = torch.ones((16, 256, 256), dtype=torch.long, device="cuda")
    for name, dtype in (("float32", None), ("bfloat16", torch.bfloat16)):
        def forward():
            with torch.autocast("cuda", dtype=dtype or torch.bfloat16, enabled=dtype is not None):
                return net(x)

        def infer():
            with torch.inference_mode():
                forward()

        def learn():
            net.zero_grad(set_to_none=False)
            torch.nn.functional.cross_entropy(forward().float(), target).backward()

        net.eval()
        print(f"PyTorch {torch.__version__}: inference, {name}: {images_per_second(infer):.1f} images/s")
        net.train()
        print(f"PyTorch {torch.__version__}: forward, loss, backward, {name}: {images_per_second(learn):.1f} images/s")


main()
