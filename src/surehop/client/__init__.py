"""The client: requests that hold, from one definition for threads and for tasks."""
