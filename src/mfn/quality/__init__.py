"""What is checked of every due order, line and parcel: Great Expectations suites in code, and our own findings."""
