"""Who asks a server: tokens, signing in, the SDK's classes of authentication."""
