"""LitServe with one process for the model and one for HTTP, as it starts by default."""

import os

import litserve
from iris_model import label, load


class Iris(litserve.LitAPI):
    def setup(self, device):
        self.model = load()

    def decode_request(self, request):
        return request

    def predict(self, flower):
        return label(self.model, flower)

    def encode_response(self, species):
        return species


if __name__ == "__main__":
    server = litserve.LitServer(Iris(api_path="/predict"), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(os.environ["PORT"]), num_api_servers=1, generate_client_file=False)
