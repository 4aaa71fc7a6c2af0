"""The one model that every server here serves, with the same few lines before and after it."""

import os
import sys

import joblib

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
SPECIES = ("setosa", "versicolor", "virginica")


def train(path):
    """Fits scikit-learn's own iris data and writes the model to `path`."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    samples, species = load_iris(return_X_y=True)
    joblib.dump(LogisticRegression(max_iter=1000).fit(samples, species), path)


def load():
    return joblib.load(os.environ["IRIS_MODEL"])


def label(model, flower):
    """The species of one flower, a mapping of the four features to centimetres."""
    return SPECIES[model.predict([[flower[name] for name in FEATURES]])[0]]


def labels(model, flowers):
    """The species of several flowers by one call of the model, in their order."""
    return [SPECIES[index] for index in model.predict([[flower[name] for name in FEATURES] for flower in flowers])]


if __name__ == "__main__":
    train(sys.argv[1])
