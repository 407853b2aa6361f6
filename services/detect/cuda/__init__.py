"""What detect does on an NVIDIA card: crops out of pictures, runs of models on them, faces out of what those say."""
