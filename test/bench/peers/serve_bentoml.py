"""BentoML with one worker; the arguments of the endpoint are the features of a flower."""

import bentoml
from iris_model import label, load


@bentoml.service(workers=1)
class Iris:
    def __init__(self):
        self.model = load()

    @bentoml.api
    def predict(self, sepal_length: float, sepal_width: float, petal_length: float, petal_width: float) -> str:
        flower = {
            "sepal_length": sepal_length,
            "sepal_width": sepal_width,
            "petal_length": petal_length,
            "petal_width": petal_width,
        }
        return label(self.model, flower)
