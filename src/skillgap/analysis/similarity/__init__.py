"""Similarity of occupations, from skills, knowledge, tasks, titles and interests."""
