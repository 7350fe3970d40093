"""The central service: sign-in, commands, feed, and the main job over HTTPS, on both databases."""
