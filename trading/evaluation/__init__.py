"""What the predictions and the strategy are worth, from the prediction log; nothing here decides anything."""
