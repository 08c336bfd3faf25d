"""The servers of the local stack (Kafka, Triton), the folder that they live in, and who watches over them."""
