"""The paper's three training stages on Hugging Face Trainer."""
