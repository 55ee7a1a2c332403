// Proves seven open pages of one browser stay live at once, and an eighth still loads.
