"""Video files: opening, probing, decoding and sampling frames with PyAV."""
