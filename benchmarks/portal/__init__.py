"""The pages of Milepost and its peers: the same data in each, asked for over HTTP and looked at in a browser."""
