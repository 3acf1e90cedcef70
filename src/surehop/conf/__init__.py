"""nginx's configuration: text -> tree -> model."""
