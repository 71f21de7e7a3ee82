# The programs in one image, for the profile `apps` of docker-compose.yml:
#
#   docker compose --profile apps up --wait
#
# Everything in it comes from the Python image and from PyPI.
FROM python:3.12-slim

RUN useradd --create-home learner
WORKDIR /home/learner/hands-on-kafka

# In a separate layer: changing the code downloads nothing.
COPY requirements/lock-apps.txt requirements/
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement requirements/lock-apps.txt
COPY . .

USER learner
# In a container, the programs listen on its own address, and the page names Docker's commands.
ENV IN_CONTAINER=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
CMD ["python", "-m", "launcher.container"]
