"""What every query needs: a snapshot, the owner of rows, paging, text folding."""
