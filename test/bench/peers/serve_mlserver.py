"""MLServer with a custom handler for plain JSON, which runs in the server's own process."""

from iris_model import label, load
from mlserver import MLModel
from mlserver.handlers import custom_handler


class Iris(MLModel):
    async def load(self) -> bool:
        self.model = load()
        return True

    @custom_handler(rest_path="/predict")
    async def classify(self, flower: dict[str, float]) -> str:
        return label(self.model, flower)
