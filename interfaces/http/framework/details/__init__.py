"""Fields that several resources share: how to reach somebody, and what an outside program keeps about them."""
