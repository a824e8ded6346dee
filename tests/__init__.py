"""The tree of tests mirrors ser_ros/; `from tests.model.toys import ...` works from the root."""
