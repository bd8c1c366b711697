"""What is checked of every due order and line: Great Expectations suites in code, and our own findings."""
