"""Handlers with real models."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT, Replicas

IRIS = ROOT / "examples" / "iris"


def test_the_iris_example_predicts(replicas: Replicas) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed here")
    files = {file.name: file.read_text() for file in IRIS.iterdir() if file.suffix in (".py", ".json")}
    replica = replicas.serve(files["handler.py"], files)
    sample = (IRIS / "sample.json").read_bytes()
    answer = replica.request("POST", "/", sample, {"content-type": "application/json"})
    assert (answer.status, answer.text) == (200, "setosa")


def test_an_onnx_model_predicts(replicas: Replicas) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
    pytest.importorskip("onnx", reason="onnx is not installed here")
    replica = replicas.serve(
        """
        import numpy, onnx, onnxruntime
        from onnx import TensorProto, helper
        class Handler:
            def __init__(self):
                vector = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [None])
                node = helper.make_node("Add", ["x", "x"], ["y"])
                graph = helper.make_graph([node], "double", [vector("x")], [vector("y")])
                model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
                self.session = onnxruntime.InferenceSession(model.SerializeToString())
            def handle_post(self, payload):
                return self.session.run(None, {"x": numpy.array(payload, dtype="float32")})[0].tolist()
        """
    )
    assert replica.post([1, 2.5]).json == [2.0, 5.0]


def test_a_torch_model_predicts(replicas: Replicas) -> None:
    pytest.importorskip("torch", reason="torch is not installed here")
    replica = replicas.serve(
        """
        import torch
        class Handler:
            def __init__(self):
                self.model = torch.nn.Linear(2, 1, bias=False)
                torch.nn.init.ones_(self.model.weight)
            def handle_post(self, payload):
                with torch.inference_mode():
                    return self.model(torch.tensor(payload)).tolist()
        """
    )
    assert replica.post([1.0, 2.5]).json == [3.5]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_the_runtime_itself_takes_little_memory(replicas: Replicas) -> None:
    replica = replicas.serve("import os\nclass Handler:\n  def handle_post(self): return os.getpid()")
    lines = Path(f"/proc/{replica.post(1).json}/status").read_text().splitlines()
    resident_kib = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    assert resident_kib < 45 * 1024
