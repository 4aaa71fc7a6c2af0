from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

FEATURES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


class Handler:
    """Says which of three species an iris is, by the size of its leaves."""

    def __init__(self, config):
        iris = load_iris()
        self.species = iris.target_names.tolist()
        self.model = LogisticRegression(max_iter=1000).fit(iris.data, iris.target)

    def handle_post(self, payload):
        measures = [payload[feature] for feature in FEATURES]
        return self.species[self.model.predict([measures])[0]]
