"""The rules of `insights`: each turns what is given into findings of one kind."""
