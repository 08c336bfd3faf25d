"""How the models that ship are made: `python -m triton_repo.training detector|appearance`.

Pictures come from the synthetic cameras (`scenes`), are drawn once to a folder (`dataset`) and are varied
while training (`augment`, `crops`). Networks, losses and recipes are one module each. Only these need
PyTorch, which comes with the extra `training`.
"""
