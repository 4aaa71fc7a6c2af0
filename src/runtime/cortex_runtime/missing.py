"""What to do about an import that failed."""

from __future__ import annotations

from typing import Optional

#: Packages whose name on the index is not the name that is imported.
PACKAGE_OF = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fitz": "pymupdf",
    "google.protobuf": "protobuf",
    "jwt": "pyjwt",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}

#: Cortex's own modules were in its images; the package `cortex` on the index is a client for its clusters.
_FORMER = ("cortex", "cortex_internal")


def import_hint(error: Optional[BaseException], requirements: str) -> Optional[str]:
    """Returns the next step for a failed import (also one that another error was raised from), else None."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            name = error.name
            if name.split(".")[0] in _FORMER:
                return f"{name} belonged to older versions of Cortex: remove the import (for logs, use logging)"
            package = PACKAGE_OF.get(name) or PACKAGE_OF.get(name.split(".")[0]) or name.split(".")[0]
            return f"add {package} to {requirements}; a module of your own must lie in the project or python_path"
        if isinstance(error, ImportError) and "relative import" in str(error):
            return "import modules of the project by their full name: the handler's file belongs to no package"
        error = error.__cause__ or error.__context__
    return None
