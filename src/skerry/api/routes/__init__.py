"""The routes, by subject. Each declares the role it needs (`access.Needs`); the app does not
start with one that does not.
"""
