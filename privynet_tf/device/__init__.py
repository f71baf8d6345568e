"""What a FEN costs on a device, measured: section 3.2 and appendix D of the paper."""
