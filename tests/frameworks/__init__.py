"""Tests with the real frameworks."""

import pytest

pytest.register_assert_rewrite("tests.frameworks.account")  # its assertions are those of every test here
