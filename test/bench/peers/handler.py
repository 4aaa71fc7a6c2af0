"""The same model as a handler; `labels` when requests come in batches."""

from iris_model import label, labels, load


class Handler:
    def __init__(self, config):
        self.model = load()
        self.answer = labels if config["batches"] else label

    def handle_post(self, payload):
        return self.answer(self.model, payload)
