"""Everything that a GPU can tell about this package, in one command and under eight minutes.

``python -m benchmarks.gpu_report`` (``make gpu-report``) checks that the GPU computes right,
measures the benchmarks' networks, lets peers run beside them, and writes a report: Markdown, JSON
and a picture. It needs no network once the packages are there. Its parts are run one after the
other, each with a limit of its own; what they found is written after each of them, so that a part
that fails or hangs costs only itself.

- `jobs`: processes with a time limit, side by side or one after the other.
- `parts`: which jobs there are.
- `worker`: what a job does: one run of one network, and the like.
- `text`, `picture`: the report.
"""
