"""A model that tells the size of each byte string and the NumPy that it runs on."""

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        return [self._answer(pb_utils.get_input_tensor_by_name(each, "JPEG").as_numpy()) for each in requests]

    def _answer(self, images):
        sizes = np.array([[len(image)] for image in images[:, 0]], np.int64)
        version = np.full((len(images), 1), np.__version__.encode(), np.object_)
        return pb_utils.InferenceResponse([pb_utils.Tensor("SIZE", sizes), pb_utils.Tensor("NUMPY", version)])
