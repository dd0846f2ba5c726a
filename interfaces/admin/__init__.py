"""The admin panel: pages for those who keep a calendar. A page runs operations of the API."""
